// ELASTIC_APM_SERVER_URL says where to.
require('elastic-apm-node').start({ serviceName: 'monitored' })
