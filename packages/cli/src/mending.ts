/** Faults of a configuration as the broker says them, each with how to mend it. */
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { whyUnreadable } from './unreadable.ts'

interface Known {
  /** As it was typed. */
  readonly path: string
  /** Where relative paths start. */
  readonly folder: string
  /** `LINE:COLUMN` of each reference to a secret -> its key, which its own line need not show. */
  readonly keys: ReadonlyMap<string, string>
  /** Absolute. */
  readonly policies: string
}

/** The message with a line of help below each fault that has one; the same help stands once. */
export async function withHelp(message: string, path: string): Promise<string> {
  const known = await knownOf(path)
  const faults = message.split('\n').reduce<string[][]>((all, line) => {
    const before = all.at(-1)
    if (before === undefined || line.startsWith(`${path}:`)) all.push([line])
    else before.push(line)
    return all
  }, [])
  const helps = faults.map(([head = '']) => help(head, known))
  return faults
    .map((lines, position) => {
      const own = helps[position]
      const said = own === undefined || own === helps[position + 1] ? [] : [`  help: ${own}`]
      return [...lines, ...said].join('\n')
    })
    .join('\n')
}

function help(head: string, { path, folder, keys, policies }: Known): string | undefined {
  const text = head.slice(path.length)
  const [, unread] = /^: the file cannot be read \((\w+)\)$/.exec(text) ?? []
  if (unread !== undefined) {
    return `${whyUnreadable(coded(unread))}; looked for ${resolve(path)}, and --config FILE names another`
  }
  const [, place = '', said = ''] = /^:(\d+:\d+): (.*)$/.exec(text) ?? []
  const asks = keys.has(place) ? `${keys.get(place)} asks for it; ` : ''
  const [, variable] = /^the environment variable (\w+) is (?:not set|empty)$/.exec(said) ?? []
  if (variable !== undefined) {
    return `${asks}set ${variable} for this command as for the server, or write { file: PATH } there`
  }
  const [, code] = /^the file .+ cannot be read \((\w+)\)$/.exec(said) ?? []
  if (code !== undefined) {
    return `${asks}${whyUnreadable(coded(code))}; relative paths start at ${folder}`
  }
  if (said.startsWith('this is not YAML')) {
    return 'look at this line and the one before: indent with blanks, close every quote and bracket'
  }
  if (text.endsWith('the folder that `policies` names cannot be read')) {
    return `it is ${policies}; relative paths start at ${folder}`
  }
  return undefined
}

function coded(code: string): Error {
  return Object.assign(new Error(), { code })
}

/** Reads the file once more, for what its faults do not say. It may be anything. */
async function knownOf(path: string): Promise<Known> {
  const folder = dirname(resolve(path))
  const text = await readFile(path, 'utf8').catch(() => '')
  const { readDocument } = await import('@mayfly/broker/config/document')
  const { named } = await import('@mayfly/broker/config/issues')
  const document = readDocument(path, text)
  const keys = new Map(
    references(document.content, []).map((key) => {
      const { line, column } = document.at(key, '', false)
      return [`${line}:${column}`, named(key)]
    }),
  )
  const policies = (document.content as { policies?: unknown } | undefined)?.policies
  return {
    path,
    folder,
    keys,
    policies: resolve(folder, typeof policies === 'string' ? policies : './policies'),
  }
}

/** Paths of everything that looks like `{ env: NAME }` or `{ file: PATH }`. */
function references(value: unknown, path: readonly PropertyKey[]): readonly (readonly PropertyKey[])[] {
  if (typeof value !== 'object' || value === null) return []
  const members = Object.entries(value)
  const [only] = members
  if (members.length === 1 && (only?.[0] === 'env' || only?.[0] === 'file')) return [path]
  const list = Array.isArray(value)
  return members.flatMap(([key, member]) => references(member, [...path, list ? Number(key) : key]))
}

/** The folder that a configuration's `policies` names, also of one with faults. */
export async function policyFolderOf(path: string): Promise<string> {
  return (await knownOf(path)).policies
}
