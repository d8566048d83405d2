import * as Sentry from "@sentry/node";

Sentry.init({ dsn: process.argv[2], release: "1.0" });

setTimeout(function pay() {
  throw new RangeError("no money");
}, 0);
