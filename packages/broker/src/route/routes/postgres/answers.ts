import { type Failure, failureRow } from '../../../base/failure.ts'
import { written } from './bytes.ts'

/** What an error says: fields of ErrorResponse (protocol, "Error and Notice Message Fields"). */
interface Said {
  readonly severity: 'ERROR' | 'FATAL'
  readonly sqlstate: string
  readonly text: string
  readonly detail?: string | undefined
}

export function errorResponse({ severity, sqlstate, text, detail }: Said): Buffer {
  const fields = [`S${severity}`, `V${severity}`, `C${sqlstate}`, `M${text}`]
  const all = detail === undefined ? fields : [...fields, `D${detail}`]
  return written('E', ...all, Buffer.of(0))
}

/** A failure as an error of the server, by the one table. The entry's id is for whoever looks the reason up. */
export function failureResponse(failure: Failure, severity: Said['severity'], errorId: string): Buffer {
  const row = failureRow(failure.code)
  // A token's refusal reads the same whatever its cause (invariant 7).
  const shown = row.bearer === 401 || row.bearer === 500 ? undefined : failure.detail
  return errorResponse({
    severity,
    sqlstate: row.sqlstate,
    text: oneLine(shown ?? row.text),
    detail: `error_id: ${errorId}`,
  })
}

/** The permission is over while the session is open (57P01, as when an administrator ends a session). */
export const permissionOver = errorResponse({
  severity: 'FATAL',
  sqlstate: '57P01',
  text: 'The permission of this session is over.',
})

function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ')
}
