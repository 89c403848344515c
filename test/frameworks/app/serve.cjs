// Serves one framework's shop as a CommonJS program: APP names the file beside this one, APP_PACKAGES its packages.
const { listening, packages, shop } = require('./listen.cjs')

require(shop)((name) => require(packages[name] ?? name)).then(listening)
