import { Failure } from '../base/failure.ts'
import { emptyRoot } from '../base/merkle.ts'
import { consistencyProof, type HashesAt, inclusionProof } from '../base/merkle-proof.ts'
import { verifyConsistency } from '../base/merkle-verify.ts'
import type { Tools } from '../base/tools.ts'
import type { Entry, TreeHead } from '../domain.ts'
import type { Store } from '../store/store.ts'
import { type Checkpoint, openCheckpoint, readCheckpoint, signCheckpoint } from './checkpoint.ts'
import { type LogSigner, printVerifierKey, verifierKey } from './note.ts'

type LogStore = Pick<Store, 'head' | 'hashes' | 'entries' | 'checkpoint' | 'commit'>

export interface LogParts {
  readonly store: LogStore
  readonly signer: LogSigner
  /** The first line of every checkpoint: whose log it is, once and for all. */
  readonly origin: string
  readonly tools: Pick<Tools, 'now' | 'after' | 'log'>
  /** How old a signed head may be while there are newer entries. */
  readonly intervalMs: number
}

/** The log as others see it: signed heads, proofs, entries. */
export interface Log {
  /** What verifiers pin, `name+id+key`. */
  readonly verifierKey: string
  /**
   * The newest signed head, at most `intervalMs` behind. Throws `Failure('internal')` when the log is not what was
   * signed before: it signs nothing then.
   */
  checkpoint(): Promise<string>
  /** RFC 9162 2.1.3.1. Throws `request_malformed` outside of the log. */
  inclusion(index: number, size: number): Promise<readonly Uint8Array[]>
  /** RFC 9162 2.1.4.1. Throws `request_malformed` outside of the log. */
  consistency(first: number, second: number): Promise<readonly Uint8Array[]>
  entries(from: number, limit: number): Promise<readonly Entry[]>
  /** Signs what is not signed yet, then stops. */
  close(): Promise<void>
}

interface Signed {
  readonly head: TreeHead
  readonly note: string
  readonly at: number
}

/** Opens the log and signs its head every `intervalMs` from then on while there are new entries. */
export function openLog(parts: LogParts): Log {
  const { store, signer, tools, intervalMs } = parts
  const hashesAt: HashesAt = (level, from, limit) => store.hashes(level, from, limit)
  let last: Signed | undefined
  let signing: Promise<Signed> | undefined

  const current = (): Promise<Signed> => {
    signing ??= signHead(parts, hashesAt, last)
      .then((signed) => {
        last = signed
        return signed
      })
      .finally(() => {
        signing = undefined
      })
    return signing
  }

  let stop = tools.after(intervalMs, tick)
  function tick(): void {
    current()
      .catch((cause: unknown) => tools.log.error('the head of the log could not be signed', { cause }))
      .finally(() => {
        if (!closed) stop = tools.after(intervalMs, tick)
      })
  }
  let closed = false

  return {
    verifierKey: printVerifierKey(verifierKey(signer.keyName, signer.publicKey)),
    checkpoint: async () => {
      if (last !== undefined && tools.now() - last.at < intervalMs) return last.note
      return (await current()).note
    },
    inclusion: async (index, size) => {
      await checkInside(store, size)
      if (!isPosition(index) || index >= size) throw outside()
      return inclusionProof(hashesAt, index, size)
    },
    consistency: async (first, second) => {
      await checkInside(store, second)
      if (!isPosition(first) || first > second) throw outside()
      return consistencyProof(hashesAt, first, second)
    },
    entries: (from, limit) => store.entries(from, limit),
    close: async () => {
      if (closed) return
      closed = true
      stop()
      await signing?.catch(() => undefined)
      await current()
    },
  }
}

/** Signs the present head, unless it is signed already, and keeps the note before anybody sees it. */
async function signHead(parts: LogParts, hashesAt: HashesAt, last: Signed | undefined): Promise<Signed> {
  const { store, signer, origin, tools } = parts
  const at = tools.now()
  // The kept one first: a head that is read later can only be newer.
  const kept = await store.checkpoint()
  const head = await store.head()
  const before = kept === undefined ? undefined : openOwn(kept.note, signer)
  // Both: what this process signed holds even when the store was set back behind its back.
  for (const earlier of [before, last?.head]) {
    if (earlier !== undefined) await checkExtends(hashesAt, earlier, head)
  }
  if (kept !== undefined && before?.size === head.size && before.origin === origin)
    return { head, note: kept.note, at }
  const note = signCheckpoint({ origin, ...head }, [signer])
  await store.commit([{ kind: 'checkpoint', size: head.size, note }])
  return { head, note, at }
}

/** Never a head that is inconsistent with an earlier one: verifiers would hold two truths (C2SP tlog-witness). */
async function checkExtends(hashesAt: HashesAt, earlier: TreeHead, head: TreeHead): Promise<void> {
  const sound =
    earlier.size <= head.size &&
    verifyConsistency(earlier, head, await consistencyProof(hashesAt, earlier.size, head.size)) &&
    (earlier.size > 0 || Buffer.compare(earlier.root, emptyRoot) === 0)
  if (!sound) {
    throw new Failure('internal', {
      reason: `the log (${head.size} entries) does not extend what was signed at ${earlier.size} entries`,
    })
  }
}

/** Our own earlier head. By the key alone: the broker's name may have changed since, its log key does not. */
function openOwn(note: string, signer: LogSigner): Checkpoint {
  try {
    const names = new Set([signer.keyName, readCheckpoint(note).origin])
    return openCheckpoint(
      note,
      [...names].map((name) => verifierKey(name, signer.publicKey)),
    )
  } catch (cause) {
    throw new Failure('internal', { reason: 'the checkpoint that the store keeps is not one of ours', cause })
  }
}

async function checkInside(store: LogStore, size: number): Promise<void> {
  if (!isPosition(size) || size > (await store.head()).size) throw outside()
}

function isPosition(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function outside(): Failure {
  return new Failure('request_malformed', { detail: 'The log has no such place.' })
}
