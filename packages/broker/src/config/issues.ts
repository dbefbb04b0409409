/** What the schema found, in words that say what to write instead. Never shows a value that could be a secret. */
import type { z } from 'zod'
import type { Path, PositionedDocument } from './document.ts'
import { isReferenceDue, knownKeys, knownWords } from './json-schema.ts'
import { nearest } from './nearest.ts'
import type { Problem } from './problem.ts'

type Issue = z.core.$ZodIssue

/** Problems for the issues of one parse. */
export function problemsOf(issues: readonly Issue[], document: PositionedDocument): readonly Problem[] {
  return issues.flatMap((issue) => problemsOfIssue(issue, [], document))
}

function problemsOfIssue(issue: Issue, above: Path, document: PositionedDocument): readonly Problem[] {
  const path = [...above, ...issue.path]
  const missing = valueAt(document.content, path) === undefined
  if (isReferenceDue(path)) return [document.at(path, referenceDue(path, missing), false)]
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => document.atKey(path, key, unknownKey(key, path)))
  }
  if (issue.code === 'invalid_union') return problemsOfUnion(issue, path, document)
  if (issue.code === 'invalid_key') {
    const key = String(path.at(-1))
    return [document.atKey(path.slice(0, -1), key, `the name \`${key}\` ${issue.issues[0]?.message ?? ''}`)]
  }
  if (missing) return [document.at(path, `${named(path)} is missing${oneOf(path)}`, false)]
  return [document.at(path, wording(issue, path), isPlain(issue, path))]
}

function problemsOfUnion(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: Path,
  document: PositionedDocument,
): readonly Problem[] {
  const branches = issue.errors.filter((errors) => errors.length > 0)
  const best = branches.sort((one, other) => one.length - other.length)[0]
  if (best !== undefined) return best.flatMap((inner) => problemsOfIssue(inner, path, document))
  // A discriminator that names no branch: zod says nothing more.
  const missing = valueAt(document.content, path) === undefined
  return [
    document.at(path, `${named(path)} ${missing ? 'is missing' : 'is not known'}${oneOf(path)}`, !missing),
  ]
}

/** True when the value is of the kind that is due there: then it is a slip, not a secret in the wrong place. */
function isPlain(issue: Issue, path: Path): boolean {
  if (issue.code === 'invalid_type' || path.length === 0 || isReferenceDue(path.slice(0, -1))) return false
  return !issue.message.includes('later version')
}

function wording(issue: Issue, path: Path): string {
  if (issue.code === 'invalid_type') return `${named(path)} must be ${article(issue.expected)}`
  if (issue.code === 'invalid_value') return `${named(path)} is not known${oneOf(path)}`
  return `${named(path)}: ${issue.message}`
}

function article(type: string): string {
  if (type === 'object' || type === 'record') return 'a map'
  if (type === 'array') return 'a list'
  if (type === 'int' || type === 'number') return 'a number'
  return type === 'boolean' ? 'true or false' : `a ${type}`
}

function oneOf(path: Path): string {
  const words = knownWords(path)
  return words.length === 0 ? '' : `; write ${words.map((word) => `\`${word}\``).join(' or ')}`
}

function unknownKey(key: string, path: Path): string {
  const known = knownKeys(path)
  const meant = nearest(key, known)
  const shown = /^[A-Za-z0-9_.-]{1,64}$/.test(key) ? ` \`${key}\`` : ''
  if (meant !== undefined) return `unknown key${shown}; did you mean \`${meant}\`?`
  return `unknown key${shown}${known.length === 0 ? '' : `; known here: ${known.join(', ')}`}`
}

function referenceDue(path: Path, missing: boolean): string {
  const how = 'write { env: NAME } or { file: PATH }'
  return missing
    ? `${named(path)} is missing; ${how}`
    : `${named(path)} must be a reference, because a secret never stands in this file; ${how}`
}

/** `store.url`, `routes[0].name`. */
export function named(path: Path): string {
  const text = path.reduce<string>(
    (rest, step) =>
      typeof step === 'number' ? `${rest}[${step}]` : rest === '' ? String(step) : `${rest}.${String(step)}`,
    '',
  )
  return text === '' ? 'the file' : `\`${text}\``
}

function valueAt(content: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, step) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    return (value as Readonly<Record<PropertyKey, unknown>>)[step]
  }, content)
}
