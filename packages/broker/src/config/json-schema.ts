/** The configuration's JSON Schema, generated from the schema that is enforced, and what it knows at a path. */
import { z } from 'zod'
import { configSchema } from './config.ts'

/** A JSON Schema, as far as it is read here. */
interface Node {
  readonly properties?: Readonly<Record<string, Node>>
  readonly additionalProperties?: Node | boolean
  readonly items?: Node
  readonly anyOf?: readonly Node[]
  readonly oneOf?: readonly Node[]
  readonly allOf?: readonly Node[]
  readonly const?: unknown
}

/** For editors, and for `schema/mayfly.schema.json`. */
export function configJsonSchema(): Record<string, unknown> {
  return {
    title: 'mayfly.yaml',
    ...z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }),
  }
}

let tree: Node | undefined

/** Every form that the value at a path may have. */
function formsAt(path: readonly PropertyKey[]): readonly Node[] {
  tree ??= configJsonSchema() as Node
  let forms = alternatives(tree)
  for (const step of path) forms = forms.flatMap((form) => below(form, step)).flatMap(alternatives)
  return forms
}

function alternatives(node: Node): readonly Node[] {
  const inner = [...(node.anyOf ?? []), ...(node.oneOf ?? []), ...(node.allOf ?? [])]
  return [node, ...inner.flatMap(alternatives)]
}

function below(node: Node, step: PropertyKey): readonly Node[] {
  if (typeof step === 'number') return node.items === undefined ? [] : [node.items]
  const named = Object.hasOwn(node.properties ?? {}, step) ? node.properties?.[String(step)] : undefined
  if (named !== undefined) return [named]
  return typeof node.additionalProperties === 'object' ? [node.additionalProperties] : []
}

/** The keys that the object at a path may have. */
export function knownKeys(path: readonly PropertyKey[]): readonly string[] {
  return [...new Set(formsAt(path).flatMap((form) => Object.keys(form.properties ?? {})))]
}

/** True where a secret is due, which is only ever written as a reference. */
export function isReferenceDue(path: readonly PropertyKey[]): boolean {
  const forms = formsAt(path).filter((form) => form.properties !== undefined)
  const isKey = (form: Node, key: string) => Object.keys(form.properties ?? {}).join() === key
  return ['env', 'file'].every((key) => forms.some((form) => isKey(form, key)))
}

/** The words that may stand at a path, where there are only some. */
export function knownWords(path: readonly PropertyKey[]): readonly string[] {
  return [...new Set(formsAt(path).flatMap((form) => (typeof form.const === 'string' ? [form.const] : [])))]
}
