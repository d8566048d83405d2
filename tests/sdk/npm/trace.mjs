import * as Sentry from "@sentry/node";

Sentry.init({ dsn: process.argv[2], release: "1.0", tracesSampleRate: 1, enableLogs: true });

for (let number = 0; number < 3; number += 1) {
  Sentry.startSpan({ name: "job" }, () => {});
  Sentry.logger.info("hello");
  Sentry.metrics.gauge("orders", number);
  Sentry.metrics.gauge("process.memory.rss", process.memoryUsage().rss, {
    unit: "byte",
    attributes: { "process.pid": process.pid },
  });
  Sentry.captureCheckIn({ monitorSlug: "nightly", status: "ok" });
  await Sentry.flush(20000);
}
await Sentry.close(20000);
