/** scan/finding: what a rule is, and what it found. */
import type { Place } from '@mayfly/policy/document-tree'
import type { Workflow } from './workflow.ts'

export type Severity = 'high' | 'medium' | 'low'

export interface Rule {
  /** `MS001`; never used for another rule. */
  readonly id: string
  /** One word group for tools: `long-lived-cloud-key`. */
  readonly name: string
  readonly severity: Severity
  readonly title: string
  readonly why: string
  /** What to do, where a finding says nothing nearer. */
  readonly instead: string
}

export interface Finding extends Place {
  readonly rule: Rule
  readonly path: string
  readonly message: string
  readonly instead: string
}

/** Rules of one family, and the function that looks for them. */
export interface Family {
  readonly rules: readonly Rule[]
  readonly find: (workflow: Workflow) => readonly Finding[]
}

/** A finding at a place of a workflow. */
export function finding(
  rule: Rule,
  { path }: Workflow,
  { line, column }: Place,
  message: string,
  instead: string = rule.instead,
): Finding {
  return { rule, path, line, column, message, instead }
}
