/**
 * Grafana's files replace `$NAME` by the environment's in most places, and in annotations `${NAME}` in newer versions;
 * labels and annotations are templates of Go beside that.
 */

/** Text as it is, in a label or an annotation: no brace opens a template, and no dollar is there to be replaced. */
export function plain(text: string): string {
  return text.replace(/\{\{|\$/g, (found) => (found === '$' ? '{{ "\\x24" }}' : '{{ "{{" }}'))
}

/** Text as it is where it is no template: a title, a contact point's name or address. */
export function dollars(text: string): string {
  return text.replaceAll('$', '$$$$')
}
