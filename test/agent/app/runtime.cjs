// Pretends to be another runtime: APP_RUNTIME at version APP_VERSION.
const { APP_RUNTIME, APP_VERSION } = process.env
Object.defineProperty(process, 'versions', { value: { ...process.versions, [APP_RUNTIME]: APP_VERSION } })
