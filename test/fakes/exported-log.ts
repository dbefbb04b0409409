/** The log as an operator exports it, verified offline and read. */
import assert from 'node:assert/strict'
import { verifyExport } from '../../packages/broker/src/audit/verify.ts'
import { openOfficeFromFile } from '../../packages/broker/src/main.ts'

/** One entry, as far as stories read it. */
export interface Remembered {
  readonly id: string
  readonly type: string
  readonly lease?: string
  readonly code?: string
  readonly reason?: string
  readonly by?: string
  readonly via?: string
  readonly target?: string
  readonly decision?: string
  readonly session?: string
  readonly state?: string
  readonly detail?: string
  readonly digest?: string
  readonly claims?: Readonly<Record<string, unknown>>
}

export interface ExportedLog {
  /** The file, as it would be kept. */
  readonly text: string
  readonly entries: readonly Remembered[]
}

/** Exports the log of a configuration, beside a running broker or without one. Fails when the export is not sound. */
export async function exportedLog(path: string): Promise<ExportedLog> {
  const office = await openOfficeFromFile({ path, env: {}, writeLog: () => undefined })
  const lines: string[] = []
  try {
    const { logKey, entries } = await office.exportLog(async (line) => void lines.push(line))
    const found = await verifyExport(piecesOf(lines), { trustedKeys: [logKey] })
    assert.ok(found.ok, `the exported log is not sound: ${JSON.stringify(found)}`)
    assert.equal(found.size, entries)
  } finally {
    await office.close()
  }
  const entries = lines.flatMap((line) => {
    const { entry } = JSON.parse(line) as { entry?: Remembered }
    return entry === undefined ? [] : [entry]
  })
  return { text: lines.join(''), entries }
}

async function* piecesOf(lines: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const line of lines) yield Buffer.from(line)
}
