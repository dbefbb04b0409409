/** Secrets come from the environment or a file, and leave here as `Secret` only. */
import { resolve } from 'node:path'
import type { SecretReference } from '../base/reference.ts'
import { Secret } from '../base/secret.ts'
import type { Resolved } from './config.ts'
import type { Path } from './document.ts'

export interface ReferenceSources {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Text of a file; throws when it cannot be read. */
  readonly readFile: (path: string) => Promise<string>
  /** Relative paths start here: the folder of the configuration file. */
  readonly folder: string
  /** What is wrong with the secret for a path, if anything. Its answer is shown, so it never holds the secret. */
  readonly shapeFault: (path: Path, secret: string) => string | undefined
}

export interface ReferenceFault {
  readonly path: Path
  readonly message: string
  /** The value may be shown. */
  readonly visible?: boolean
}

/** Longer than any key or connection string. */
const longest = 65_536

/** Replaces every reference by its secret. `value` is only complete when there are no faults. */
export async function resolveReferences<T>(
  value: T,
  sources: ReferenceSources,
): Promise<{ readonly value: Resolved<T>; readonly faults: readonly ReferenceFault[] }> {
  const faults: ReferenceFault[] = []
  const resolved = await walk(value, [], sources, faults)
  // The walk mirrors `Resolved` structurally, which the compiler cannot follow.
  return { value: resolved as Resolved<T>, faults }
}

async function walk(
  value: unknown,
  path: Path,
  sources: ReferenceSources,
  faults: ReferenceFault[],
): Promise<unknown> {
  if (typeof value !== 'object' || value === null) return value
  if (isReference(value)) {
    const found = await read(value, path, sources)
    if (found instanceof Secret) return found
    faults.push({ path, message: found })
    return undefined
  }
  if (Array.isArray(value)) {
    return Promise.all(value.map((item: unknown, index) => walk(item, [...path, index], sources, faults)))
  }
  const members = Object.entries(value).map(
    async ([key, member]) => [key, await walk(member, [...path, key], sources, faults)] as const,
  )
  return Object.fromEntries(await Promise.all(members))
}

function isReference(value: object): value is SecretReference {
  const [only, ...others] = Object.entries(value)
  return (
    only !== undefined &&
    others.length === 0 &&
    ['env', 'file'].includes(only[0]) &&
    typeof only[1] === 'string'
  )
}

/** The secret, or what is wrong; never both, and the fault never holds the value. */
async function read(
  reference: SecretReference,
  path: Path,
  sources: ReferenceSources,
): Promise<Secret | string> {
  const secretOf = (text: string, origin: string): Secret | string => {
    if (text.trim() === '') return `${origin} is empty`
    if (text.length > longest) return `${origin} is too long for a secret`
    return sources.shapeFault(path, text) ?? new Secret(text)
  }
  if ('env' in reference) {
    const text = sources.env[reference.env]
    if (text === undefined) return `the environment variable ${reference.env} is not set`
    return secretOf(text, `the environment variable ${reference.env}`)
  }
  const file = resolve(sources.folder, reference.file)
  try {
    // Editors and `echo` end a file with a line end that is not part of the secret.
    return secretOf((await sources.readFile(file)).replace(/\r?\n$/, ''), `the file ${file}`)
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? ` (${String(thrown.code)})` : ''
    return `the file ${file} cannot be read${code}`
  }
}
