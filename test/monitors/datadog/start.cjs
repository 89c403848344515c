// DD_TRACE_AGENT_URL says where to.
require('dd-trace').init({ service: 'monitored' })
