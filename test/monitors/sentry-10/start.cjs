// SENTRY_DSN says where to.
require('@sentry/node').init({ tracesSampleRate: 1 })
