import { spawnSync } from 'node:child_process'
import { pinned } from '../child.ts'

/** What one core can do: operations a second by `openssl speed`, and the exchanges they allow. */
export interface PhysicalLimit {
  readonly verifyPerSecond: number
  readonly signPerSecond: number
  /** 1 / (one RS256 verification + one ES256 signature). */
  readonly exchangesPerSecond: number
}

/** Measures for about four seconds. Throws when `openssl` is missing or prints something else. */
export function physicalLimit(): PhysicalLimit {
  const [command, args] = pinned(0, 'openssl', ['speed', '-seconds', '1', 'rsa2048', 'ecdsap256'])
  const { stdout } = spawnSync(command, args, { encoding: 'utf8' })
  const verify = Number(/rsa 2048 bits\s+\S+\s+\S+\s+\S+\s+(\S+)/.exec(stdout)?.[1])
  const sign = Number(/256 bits ecdsa[^\n]*?\s+\S+s\s+\S+s\s+(\S+)/.exec(stdout)?.[1])
  if (!(verify > 0) || !(sign > 0)) throw new Error('openssl speed gave no figures; is openssl installed?')
  return { verifyPerSecond: verify, signPerSecond: sign, exchangesPerSecond: 1 / (1 / verify + 1 / sign) }
}
