import { Failure } from '../base/failure.ts'
import { Secret } from '../base/secret.ts'
import type { Tools } from '../base/tools.ts'
import type { PutSecret, SecretRecord, Store } from '../store/store.ts'
import { type KeyWrap, openEnvelope, sealEnvelope } from './envelope.ts'

/** Whose keys wrap: what the record of a secret says of it, `master key`, and the way to that key. */
export interface Wraps {
  /** Wraps the keys of new envelopes. */
  readonly current: string
  /**
   * Those that the configuration names, the current one among them. An envelope of any other does not open: whoever can
   * write to the database could otherwise name a key of their own, and so choose what jobs are given.
   */
  readonly known: ReadonlyMap<string, KeyWrap>
  /** The connection that is asked, as `Target.connection` says it; absent when nothing but this process is. */
  readonly connection?: string
}

/** Static secrets that the store keeps, each in an envelope that opens under its own name alone. */
export interface SealedSecrets {
  readonly wrappedBy: string
  readonly connection: string | undefined
  seal(name: string, value: Secret): Promise<Pick<PutSecret, 'envelope' | 'wrappedBy'>>
  /** The value that is kept now. Throws `target_refused` when there is none, and as `KeyWrap` does. */
  read(name: string): Promise<Secret>
  /** What should be wrapped anew, each as one sentence that begins with its place in the configuration. */
  warnings(kept: readonly Pick<SecretRecord, 'name' | 'wrappedBy'>[]): readonly string[]
  /** The same value in an envelope under the current key. */
  rewrap(record: SecretRecord): Promise<Pick<PutSecret, 'envelope' | 'wrappedBy'>>
}

/** Opens nothing by itself; each call asks the store and the key, so that a replaced secret is given at once. */
export function openSealedSecrets(parts: {
  readonly wraps: Wraps
  readonly store: Pick<Store, 'secret'>
  readonly tools: Pick<Tools, 'randomBytes'>
}): SealedSecrets {
  const { wraps, store, tools } = parts
  const wrapOf = (wrappedBy: string): KeyWrap => {
    const known = wraps.known.get(wrappedBy)
    if (known !== undefined) return known
    const reason = `a secret is wrapped by \`${wrappedBy}\`, which the configuration does not name`
    throw new Failure('internal', { reason })
  }
  const seal = async (name: string, value: Uint8Array) => ({
    envelope: await sealEnvelope(wrapOf(wraps.current), contextOf(name), value, tools),
    wrappedBy: wraps.current,
  })
  const open = ({ name, envelope, wrappedBy }: SecretRecord) =>
    openEnvelope(wrapOf(wrappedBy), contextOf(name), envelope)
  return {
    wrappedBy: wraps.current,
    connection: wraps.connection,
    seal: (name, value) => erased(Buffer.from(value.reveal(), 'utf8'), (bytes) => seal(name, bytes)),
    read: async (name) => {
      const record = await store.secret(name)
      if (record === undefined)
        throw new Failure('target_refused', {
          reason: `the store has no secret \`${name}\`; give it one with \`mayfly secrets put ${name}\``,
        })
      const toSecret = async (bytes: Uint8Array) => new Secret(Buffer.from(bytes).toString('utf8'))
      return erased(await open(record), toSecret)
    },
    warnings: (kept) =>
      kept
        .filter(({ wrappedBy }) => wrappedBy !== wraps.current)
        .map(({ name, wrappedBy }) => {
          const what = `connections.secret.${name} is wrapped by \`${wrappedBy}\`, `
          if (wraps.known.has(wrappedBy)) return `${what}which wraps no more: \`mayfly secrets rewrap\``
          return `${what}which the configuration does not name: it does not open`
        }),
    rewrap: async (record) => erased(await open(record), (bytes) => seal(record.name, bytes)),
  }
}

function contextOf(name: string): string {
  return `secret ${name}`
}

async function erased<T>(bytes: Uint8Array, work: (bytes: Uint8Array) => Promise<T>): Promise<T> {
  try {
    return await work(bytes)
  } finally {
    bytes.fill(0)
  }
}
