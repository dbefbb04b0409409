import { Failure } from '../base/failure.ts'
import { emptyRoot } from '../base/merkle.ts'
import { consistencyProof, type HashesAt } from '../base/merkle-proof.ts'
import { verifyConsistency } from '../base/merkle-verify.ts'
import type { Tools } from '../base/tools.ts'
import type { TreeHead } from '../domain.ts'
import type { Store } from '../store/store.ts'
import { type Checkpoint, openCheckpoint, readCheckpoint, signCheckpoint } from './checkpoint.ts'
import { type LogSigner, verifierKey } from './note.ts'

export interface HeadParts {
  readonly store: Pick<Store, 'head' | 'hashes' | 'checkpoint' | 'commit'>
  readonly signer: LogSigner
  readonly origin: string
  readonly tools: Pick<Tools, 'now'>
}

/** A head, its note, and when (ms) it was known to be the newest. */
export interface SignedHead {
  readonly head: TreeHead
  readonly note: string
  readonly at: number
}

/**
 * Signs the present head, unless it is signed already, and keeps the note before anybody sees it. Throws
 * `Failure('internal')`, and signs nothing, when the log does not extend the head that the store keeps or `last`.
 */
export async function signHead(parts: HeadParts, last: SignedHead | undefined): Promise<SignedHead> {
  const hashesAt: HashesAt = (level, from, limit) => parts.store.hashes(level, from, limit)
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
