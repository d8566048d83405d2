import * as Sentry from "@sentry/node";

Sentry.init({ dsn: process.argv[2], tracesSampleRate: 1, enableLogs: true });

for (let number = 0; number < 3; number += 1) {
  Sentry.startSpan({ name: "job" }, () => {});
  Sentry.logger.info("hello");
  Sentry.metrics.gauge("orders", number);
  Sentry.captureCheckIn({ monitorSlug: "nightly", status: "ok" });
  await Sentry.flush(20000);
}
await Sentry.close(20000);
