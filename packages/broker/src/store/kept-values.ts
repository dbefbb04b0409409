/** Texts and numbers that both databases keep exactly. What they would not is refused before anything is written. */
import { Failure } from '../base/failure.ts'

/** Whether both databases keep this text as it is: PostgreSQL has no NUL, UTF-8 no lone surrogate. */
export function isPlainText(value: string): boolean {
  return value.isWellFormed() && !value.includes('\u0000')
}

export function text(value: string): string {
  if (!isPlainText(value))
    throw new Failure('internal', { reason: 'a text for the store holds NUL or half a character' })
  return value
}

export function whole(value: number): number {
  if (!Number.isSafeInteger(value))
    throw new Failure('internal', { reason: 'a number for the store is not whole' })
  return value
}

export function wholeOrNull(value: number | undefined): number | null {
  return value === undefined ? null : whole(value)
}

/** A token may end at a fraction of a second (RFC 7519 2, NumericDate): later is the safe side. */
export function wholeUntil(value: number): number {
  if (Number.isNaN(value)) throw new Failure('internal', { reason: 'a time for the store is not a number' })
  return Math.max(0, Math.min(Math.ceil(value), Number.MAX_SAFE_INTEGER))
}
