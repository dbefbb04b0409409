import { Failure } from '../base/failure.ts'
import { consistencyProof, type HashesAt, inclusionProof } from '../base/merkle-proof.ts'
import type { Tools } from '../base/tools.ts'
import type { Entry } from '../domain.ts'
import type { Store } from '../store/store.ts'
import { type SignedHead, signHead } from './head.ts'
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

/** Opens the log and signs its head every `intervalMs` from then on while there are new entries. */
export function openLog(parts: LogParts): Log {
  const { store, signer, tools, intervalMs } = parts
  let last: SignedHead | undefined
  let signing: Promise<SignedHead> | undefined
  let closed = false

  const sign = async (): Promise<SignedHead> => {
    last = await signHead(parts, last)
    return last
  }
  // All who ask while one head is being signed get that one.
  const current = (): Promise<SignedHead> => {
    signing ??= sign().finally(() => {
      signing = undefined
    })
    return signing
  }
  const tick = async (): Promise<void> => {
    await current().catch((cause: unknown) =>
      tools.log.error('the head of the log could not be signed', { cause }),
    )
    if (!closed) stop = tools.after(intervalMs, tick)
  }
  let stop = tools.after(intervalMs, tick)

  return {
    ...proofsOf(store),
    verifierKey: printVerifierKey(verifierKey(signer.keyName, signer.publicKey)),
    checkpoint: async () => {
      if (last !== undefined && tools.now() - last.at < intervalMs) return last.note
      return (await current()).note
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

function proofsOf(store: LogStore): Pick<Log, 'inclusion' | 'consistency'> {
  const hashesAt: HashesAt = (level, from, limit) => store.hashes(level, from, limit)
  return {
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
