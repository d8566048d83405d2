import http from "node:http";
import * as Sentry from "@sentry/node";

Sentry.init({
  dsn: process.argv[2],
  release: "1.0",
  initialScope: { tags: { shop: "north" }, user: { id: "7" } },
});

function checkout(order) {
  return order.currency.code;
}

const server = http.createServer((request, response) => {
  Sentry.addBreadcrumb({ category: "cart", message: "added a pear" });
  try {
    Sentry.withScope(() => checkout({}));
  } catch (error) {
    Sentry.captureException(error);
  }
  response.end();
});
server.listen(0, "127.0.0.1", async () => {
  const address = `http://127.0.0.1:${server.address().port}/orders?currency=eur&token=hunter2`;
  await (await fetch(address)).text();
  await Sentry.close(20000);
  server.close();
});
