import { h } from './dom.ts'

/** What to do while no call has ever arrived. */
export function welcome(): HTMLElement {
  const collector = `OTEL_EXPORTER_OTLP_ENDPOINT=http://${location.hostname}:4318`
  return h(
    'section',
    { class: 'welcome', 'aria-labelledby': 'welcome' },
    h('h2', { id: 'welcome', class: 'welcome-title' }, 'No call has arrived yet'),
    h('p', {}, 'Start your Node application with the agent, and its calls appear here within seconds:'),
    h('pre', { tabindex: 0 }, h('code', {}, `${collector} \\\n  node --require @callsight/agent/register app.js`)),
    h(
      'p',
      { class: 'note' },
      'Any OpenTelemetry SDK that sends spans over OTLP/HTTP to the same address works too. When the collector asks for a token, add OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer …".',
    ),
  )
}
