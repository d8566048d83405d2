import * as Sentry from "@sentry/node";

Sentry.init({ dsn: process.argv[2] });

for (let number = 0; number < 100; number += 1) {
  Sentry.captureException(new RangeError(`order ${number}`));
  Sentry.captureMessage(`order ${number}`);
}
await Sentry.flush(20000);
await Sentry.close(20000);
