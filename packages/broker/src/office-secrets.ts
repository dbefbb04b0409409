/** The operator's work on static secrets that the store keeps: give, look, remove, wrap anew. It never shows a value. */
import { asFailure, Failure } from './base/failure.ts'
import { Secret } from './base/secret.ts'
import type { Core } from './core.ts'
import type { AuditEvent } from './domain.ts'
import { sealedNames } from './kinds.ts'
import type { SecretRecord } from './store/store.ts'

/** A static secret as an operator sees it: without its envelope. `kept` is absent where the store has none yet. */
export interface ListedSecret {
  readonly name: string
  /** Whether the configuration has it as `sealed`; others are kept for nobody. */
  readonly configured: boolean
  readonly kept?: Omit<SecretRecord, 'name' | 'envelope'> & { readonly ageSeconds: number }
}

export interface OfficeSecrets {
  /**
   * Keeps a value under a name that the configuration has as `sealed`; one line end at its end is not part of it. Throws
   * `request_malformed` with what to mend.
   */
  put(name: string, text: string): Promise<{ readonly replaced: boolean }>
  /** Those of the configuration and those of the store, by name. */
  list(): Promise<readonly ListedSecret[]>
  /** `false`: there was none. */
  remove(name: string): Promise<boolean>
  /** Puts every secret into an envelope under the key that wraps now; what fails stays as it was. */
  rewrap(): Promise<{
    readonly wrappedBy: string
    readonly rewrapped: readonly string[]
    readonly failed: readonly { readonly name: string; readonly reason: string }[]
  }>
}

/** As for secrets in files: longer than any key. */
const longest = 65_536

/** Works beside a running broker: it asks the store at every exchange. */
export function openOfficeSecrets({ config, store, sealed, tools, record }: Core): OfficeSecrets {
  const names = sealedNames(config)
  const now = () => Math.floor(tools.now() / 1000)
  const entry = (event: AuditEvent) => record(event).change
  return {
    put: async (name, text) => {
      if (!names.includes(name)) throw unfit(`connections.secret has no sealed \`${name}\`${those(names)}`)
      const value = new Secret(fitValue(text))
      const before = await store.secret(name)
      const { envelope, wrappedBy } = await sealed.seal(name, value)
      await store.commit([
        { kind: 'secret.put', name, envelope, wrappedBy, replacedAt: now() },
        entry({ type: 'secret.put', secret: name, wrap: wrappedBy, by: 'operator' }),
      ])
      return { replaced: before !== undefined }
    },
    list: async () => listed(names, await store.secrets(), now()),
    remove: async (name) => {
      if ((await store.secret(name)) === undefined) return false
      await store.commit([
        { kind: 'secret.remove', name },
        entry({ type: 'secret.removed', secret: name, by: 'operator' }),
      ])
      return true
    },
    rewrap: async () => {
      const rewrapped: string[] = []
      const failed: { name: string; reason: string }[] = []
      for (const found of await store.secrets()) {
        const { name, envelope: was } = found
        try {
          const { envelope, wrappedBy } = await sealed.rewrap(found)
          await store.commit([
            { kind: 'secret.rewrap', name, was, envelope, wrappedBy },
            entry({ type: 'secret.rewrapped', secret: name, wrap: wrappedBy, by: 'operator' }),
          ])
          rewrapped.push(name)
        } catch (thrown) {
          failed.push({ name, reason: asFailure(thrown).reason })
        }
      }
      return { wrappedBy: sealed.wrappedBy, rewrapped, failed }
    },
  }
}

function listed(
  names: readonly string[],
  records: readonly SecretRecord[],
  now: number,
): readonly ListedSecret[] {
  const all = [...new Set([...names, ...records.map(({ name }) => name)])].sort()
  return all.map((name) => {
    const found = records.find((each) => each.name === name)
    const configured = names.includes(name)
    if (found === undefined) return { name, configured }
    const { name: _, envelope: __, ...kept } = found
    return { name, configured, kept: { ...kept, ageSeconds: Math.max(0, now - found.replacedAt) } }
  })
}

/** The value as it is kept. What is wrong is said without showing any of it. */
function fitValue(text: string): string {
  const value = text.replace(/\r?\n$/, '')
  if (value.trim() === '') throw unfit('the secret is empty')
  if (value.length > longest) throw unfit(`the secret is longer than ${longest} characters`)
  // What is no UTF-8 was read as U+FFFD, and would be another secret.
  if (value.includes('\ufffd') || !value.isWellFormed()) throw unfit('the secret is no text in UTF-8')
  return value
}

function those(names: readonly string[]): string {
  if (names.length > 0) return `; it has ${names.map((name) => `\`${name}\``).join(', ')}`
  return '; write `connections: { secret: { NAME: { sealed: true } } }` into the configuration first'
}

function unfit(detail: string): Failure {
  return new Failure('request_malformed', { detail })
}
