import { generateKeyPairSync, sign } from 'node:crypto'
import type { LogSigner } from '@mayfly/broker/audit/note'
import { Frontier, leafHash } from '@mayfly/broker/base/merkle'
import type { Store } from '@mayfly/broker/store/store'

/** A new Ed25519 key that signs heads under this name. */
export function newLogSigner(keyName = 'broker.example/log'): LogSigner {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const x = publicKey.export({ format: 'jwk' }).x ?? ''
  return { keyName, publicKey: Buffer.from(x, 'base64url'), sign: (text) => sign(null, text, privateKey) }
}

type LogStore = Pick<Store, 'head' | 'hashes' | 'entries' | 'checkpoint' | 'commit'>

/** The part of a store that the log needs, in memory and open to be tampered with. */
export class MemoryLog implements LogStore {
  readonly kept: Uint8Array[] = []
  /** Hashes of complete subtrees, by level. */
  readonly hashed = new Map<number, Uint8Array[]>()
  signed: { size: number; note: string } | undefined
  tree = new Frontier()

  constructor(...entries: readonly string[]) {
    this.add(...entries)
  }

  add(...entries: readonly string[]): void {
    for (const entry of entries) this.addBytes(new TextEncoder().encode(entry))
  }

  addBytes(bytes: Uint8Array): void {
    this.kept.push(bytes)
    this.tree.append(leafHash(bytes), (level, _, hash) => {
      const row = this.hashed.get(level) ?? []
      this.hashed.set(level, row)
      row.push(hash)
    })
  }

  async head() {
    return { size: this.tree.size, root: this.tree.root() }
  }

  async entries(from: number, limit: number) {
    return this.kept.slice(from, from + limit).map((bytes, i) => ({ index: from + i, bytes }))
  }

  async hashes(level: number, from: number, limit: number) {
    return (this.hashed.get(level) ?? []).slice(from, from + limit)
  }

  async checkpoint() {
    return this.signed
  }

  async commit(changes: Parameters<Store['commit']>[0]) {
    for (const change of changes) {
      if (change.kind === 'append') this.addBytes(change.entry)
      if (change.kind === 'checkpoint' && change.size >= (this.signed?.size ?? 0)) {
        this.signed = { size: change.size, note: change.note }
      }
    }
  }
}
