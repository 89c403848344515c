// Preloaded before the agent: remembers everything asynchronous that is made, be it kept alive or not.
const { createHook } = require('node:async_hooks')

globalThis.made = []
createHook({ init: (_id, type) => globalThis.made.push(type) }).enable()
