import * as Sentry from "@sentry/node";

const withoutDedupe = (defaults) => defaults.filter((one) => one.name !== "Dedupe");

Sentry.init({ dsn: process.argv[2], release: "1.0", environment: "staging", integrations: withoutDedupe });

function checkout(order) {
  return order.currency.code;
}

for (let number = 0; number < 3; number += 1) {
  try {
    checkout({});
  } catch (error) {
    Sentry.setUser({ id: String(number) });
    Sentry.captureException(error);
  }
}
await Sentry.close(5000);
