/** A tool as its server defines it: words that nobody vouches for, unless an operator pinned them. */
import { hash } from 'node:crypto'
import { canonicalJson, type Json } from '../../../base/canonical-json.ts'
import { isObject } from './message.ts'
import { type Mirrors, mirrorsIn } from './mirrored-arguments.ts'

export interface ToolDefinition {
  /** Characters of its canonical form. */
  readonly size: number
  /**
   * `sha256:` and the hash of all that a model reads and a call has to keep, in hexadecimal digits; empty where that has no form
   * of its own (RFC 8785).
   */
  readonly digest: string
  readonly mirrors: Mirrors
  readonly inputSchema: unknown
  /** Why it cannot be kept. */
  readonly fault?: string
}

/** By name. */
export type Listed = ReadonlyMap<string, ToolDefinition>

/** What a server told one caller. */
export interface KeptList {
  readonly listed: Promise<Listed>
  /** Milliseconds since 1970. */
  readonly until: number
}

/** What a change of would make it another tool. */
const pinned = ['name', 'title', 'description', 'inputSchema', 'outputSchema', 'annotations'] as const

/** Characters of a definition: no model reads more. */
const longest = 131_072

/** Reads an item of `tools`; `undefined` for what is no tool. */
export function definitionOf(tool: unknown): ToolDefinition | undefined {
  if (!isObject(tool) || typeof tool['name'] !== 'string') return undefined
  const text = canonical(tool as { readonly [name: string]: Json })
  const faulty = { size: 0, mirrors: [], inputSchema: undefined }
  if (text === undefined) return { ...faulty, digest: '', fault: 'it cannot be read in one way' }
  const digest = `sha256:${hash('sha256', text)}`
  const size = text.length
  if (size > longest) return { ...faulty, digest, fault: 'it is too large' }
  const { inputSchema } = tool
  return { size, digest, mirrors: mirrorsIn(inputSchema), inputSchema }
}

function canonical(tool: { readonly [name: string]: Json }): string | undefined {
  const members = pinned.flatMap((name) => (Object.hasOwn(tool, name) ? [[name, tool[name]]] : []))
  try {
    return canonicalJson(Object.fromEntries(members))
  } catch {
    // Half a character, or nested until the stack ends.
    return undefined
  }
}
