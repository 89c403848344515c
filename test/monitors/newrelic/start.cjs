// NEW_RELIC_HOST and NEW_RELIC_PORT say where to.
require('newrelic')
