import type { KeyRecord } from './store.ts'

/** A row of `key` as either database gives it back. */
export function keyOf(row: Readonly<Record<string, unknown>>): KeyRecord {
  return {
    kid: String(row['kid']),
    purpose: String(row['purpose']),
    generation: Number(row['generation']),
    algorithm: String(row['algorithm']),
    publicJwk: String(row['public_jwk']),
    sealed: row['sealed'] as Uint8Array,
    createdAt: Number(row['created_at']),
    signsFrom: Number(row['signs_from']),
    ...(row['signs_until'] === null ? {} : { signsUntil: Number(row['signs_until']) }),
    ...(row['published_until'] === null ? {} : { publishedUntil: Number(row['published_until']) }),
  }
}
