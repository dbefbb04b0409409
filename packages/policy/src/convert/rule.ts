/** rule: one rule of another platform's document, taken apart, and what a policy needs to know beside it. */
import type { Access } from '../policy.ts'
import type { Asked } from './bound.ts'
import type { Finding } from './cannot.ts'

/** What the documents of other platforms do not say. */
export interface Setting {
  /** Owners of yours, and their ids where you say them: for rules that name none, or ids only. */
  readonly owners: readonly { readonly name: string; readonly id?: string }[]
  /** Of every imported target. */
  readonly tier: string
  /** Of targets whose document does not say it. */
  readonly access: Access
  /** Instead of "any branch". */
  readonly branch: string
}

/** A rule of a document, taken apart but not narrowed. */
export interface ImportedRule {
  readonly name: string
  readonly access: Access
  /** The target's kind and its value, as a line of YAML: `aws_role: "arn:..."`. */
  readonly target: string
  /** The kind derives its access. */
  readonly accessFromKind: boolean
  readonly seconds: number
  readonly alternatives: readonly Asked[]
  readonly findings: readonly Finding[]
}

/** The audience that a document asks for is not written: the broker checks its own. */
export function audienceFinding(values: readonly string[] | undefined): Finding | undefined {
  if (values !== undefined && values.length > 0 && !values.some((value) => value.includes('*')))
    return undefined
  const at = values?.join(', ') ?? 'aud'
  return {
    code: 'no-audience',
    at,
    message: 'a token made for any other service is taken too; the broker takes tokens made for it only',
    effect: 'narrowed',
  }
}
