import type { SecretRecord } from './store.ts'

/** A row of `secret` as either database gives it back. */
export function secretOf(row: Readonly<Record<string, unknown>>): SecretRecord {
  return {
    name: String(row['name']),
    envelope: row['envelope'] as Uint8Array,
    wrappedBy: String(row['wrapped_by']),
    replacedAt: Number(row['replaced_at']),
    uses: Number(row['uses']),
    ...(row['last_used_at'] === null ? {} : { lastUsedAt: Number(row['last_used_at']) }),
  }
}
