import { sign } from 'node:crypto'
import { Failure } from '../base/failure.ts'
import type { Tools } from '../base/tools.ts'
import type { AuditEvent } from '../domain.ts'
import { type Change, Conflict, type Store } from '../store/store.ts'
import { makeKey, openKey } from './key-material.ts'
import type { Seal } from './seal.ts'

/** What signs the heads of the log (C2SP signed note). */
export interface LogKey {
  /** The name before `+` in the verifier's key: the log's origin. */
  readonly keyName: string
  /** The 32 bytes of the Ed25519 public key. */
  readonly publicKey: Uint8Array
  /** Ed25519 signature, 64 bytes. */
  sign(bytes: Uint8Array): Uint8Array
}

interface LogKeyParts {
  readonly store: Pick<Store, 'keys' | 'commit'>
  readonly seal: Seal
  readonly tools: Pick<Tools, 'now'>
  readonly record: (event: AuditEvent) => Change
  /** Without white space and plus signs (C2SP signed note): our URL without its scheme is a good one. */
  readonly keyName: string
}

/** Opens the log's own key, made once for each store. Verifiers pin it, so that it does not rotate. */
export async function openLogKey(parts: LogKeyParts): Promise<LogKey> {
  const { store, seal, record, keyName } = parts
  if (!/^[!-*,-~]{1,200}$/.test(keyName)) throw new Failure('internal', { reason: 'no name for a log key' })
  const now = Math.floor(parts.tools.now() / 1000)
  if ((await store.keys('log')).length === 0) {
    const { record: key } = makeKey(
      { purpose: 'log', generation: 1, algorithm: 'Ed25519', now, signsFrom: now },
      seal,
    )
    const created = record({ type: 'key.created', purpose: 'log', kid: key.kid, from: now, by: 'start' })
    await store.commit([{ kind: 'key.create', key }, created]).catch((thrown: unknown) => {
      // Another broker made it in the same moment.
      if (!(thrown instanceof Conflict)) throw thrown
    })
  }
  const [kept] = await store.keys('log')
  if (kept === undefined) throw new Failure('internal', { reason: 'the store lost the key of the log' })
  const key = openKey(kept, seal)
  return {
    keyName,
    publicKey: Buffer.from(key.publicJwk['x'] ?? '', 'base64url'),
    sign: (bytes) => sign(null, bytes, key.privateKey),
  }
}
