/**
 * What the main step leaves for the post step. The runner keeps state in plain text, for this action alone; it must
 * hold the token, since only its holder may end the credential (RFC 7009 2.1).
 */
import { jsonObject } from '@mayfly/client/json'
import type { Runner } from './runner.ts'
import { saveState } from './runner-files.ts'

/** One credential to give back. */
export interface Held {
  readonly url: string
  readonly target: string
  readonly leaseId: string
  readonly token: string
}

/** Written as soon as a credential is there, so that nothing later can lose it. `position` counts from 0. */
export function saveHeld(runner: Runner, position: number, held: Held): void {
  saveState(runner, `lease_${position}`, JSON.stringify(held))
}

export function saveFolder(runner: Runner, path: string): void {
  saveState(runner, 'folder', path)
}

/** Every credential that the main step got. What cannot be read is left to the end of its lease. */
export function readHeld(env: Runner['env']): readonly Held[] {
  const held: Held[] = []
  for (let position = 0; ; position++) {
    const text = env[`STATE_lease_${position}`]
    if (!text) return held
    const { url, target, leaseId, token } = jsonObject(text) ?? {}
    if (isText(url) && isText(target) && isText(leaseId) && isText(token))
      held.push({ url, target, leaseId, token })
  }
}

/** The folder of this step's files; nothing but a folder that `deliver` names so is ever removed. */
export function readFolder(env: Runner['env']): string | undefined {
  const path = env['STATE_folder']
  const own = path !== undefined && /[\\/]mayfly-[0-9a-f]{32}$/.test(path)
  return own ? path : undefined
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
