/** Reads the log as those may who hold its reader's secret: why was this refused? */

import type { Site } from './site.ts'
import { expect, type Stage } from './stage.ts'

/** One entry, as far as a person wants to read it. */
export interface Recorded {
  readonly id: string
  readonly type: string
  readonly code?: string
  readonly reason?: string
}

/** The entry that an answer named in `error_id`. */
export async function entryOf(site: Site, id: string): Promise<Recorded> {
  const entries = await readLog(site)
  const found = entries.find((entry) => entry.id === id)
  expect(found !== undefined, `the log has no entry ${id}`)
  return found
}

/** Every entry so far, over HTTP. */
async function readLog(site: Site): Promise<readonly Recorded[]> {
  const entries: Recorded[] = []
  for (;;) {
    const url = `${site.listens}/audit/entries?from=${entries.length}&limit=1000`
    const response = await fetch(url, { headers: { authorization: `Bearer ${site.auditReader}` } })
    expect(response.status === 200, `the log could not be read: status ${response.status}`)
    const lines = (await response.text()).split('\n').filter((line) => line !== '')
    if (lines.length === 0) return entries
    entries.push(...lines.map((line) => JSON.parse(line) as Recorded))
  }
}

/** Says what each reader of a refusal sees: anybody who asks, the job that proved who it is, the operator. */
export async function tellRefusal(stage: Stage, site: Site, answer: string): Promise<Recorded> {
  const { error_id: id, explanation } = members(answer)
  expect(typeof id === 'string', 'a refusal carries no error_id')
  const entry = await entryOf(site, id)
  stage.say(`      any caller sees:     ${publicText(answer)}`)
  if (explanation !== undefined) {
    const { summary } = explanation as { summary?: unknown }
    stage.say(`      this job also sees:  ${String(summary)}`)
  }
  stage.say(`      the operator sees:   ${entry.type}, ${entry.code}: ${entry.reason}`)
  stage.say(`      in the log, entry:   ${id}`)
  return entry
}

/** What an answer says to a person: RFC 6749 5.2 at the token endpoint, RFC 9457 at the proxy. */
export function publicText(answer: string): string {
  const { error_description: description, detail } = members(answer)
  return String(description ?? detail)
}

/** Members of a JSON answer; none when it is something else. */
export function members(answer: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(answer)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
