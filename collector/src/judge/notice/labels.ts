import type { AlertEvent, Labels } from '../alert/step.ts'

/** What matchers and groups see of an alert: its labels, the name of its rule and its severity. */
export function labelsOfAlert({ labels, rule, severity }: Pick<AlertEvent, 'labels' | 'rule' | 'severity'>): Labels {
  return { ...labels, alertname: rule, severity }
}
