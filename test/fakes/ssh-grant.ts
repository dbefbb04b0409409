import { randomBytes } from 'node:crypto'
import { newId } from '../../packages/broker/src/base/id.ts'
import { Secret } from '../../packages/broker/src/base/secret.ts'
import type { Credential, Grant } from '../../packages/broker/src/domain.ts'
import type { SshConnection } from '../../packages/broker/src/issue/targets/ssh/settings.ts'
import { sshKeygen } from './sshd.ts'

/** A grant of an `ssh` target for a GitHub job, valid now for ten minutes, each with another lease. */
export function sshGrant(over: Partial<Grant> = {}, now = Math.floor(Date.now() / 1000)): Grant {
  return {
    leaseId: newId('ls', { now: () => now * 1000, randomBytes }),
    principal: {
      issuer: 'github',
      iss: 'https://issuer.example',
      subject: 'repo:acme/shop:environment:production',
      claims: {},
      replayKey: 'key',
      replayUntil: now + 900,
    },
    target: 'web-hosts',
    kind: 'ssh',
    settings: { authority: 'production', principals: ['deploy'] },
    scopes: [],
    issuedAt: now,
    expiresAt: now + 600,
    ...over,
  }
}

/** A connection as the configuration gives it. */
export function sshConnectionOf(key: {
  readonly privateKey: string
  readonly publicKey: string
}): SshConnection {
  return { private_key: new Secret(key.privateKey), public_key: key.publicKey, krl: true }
}

/** The files that a job gets. */
export function sshFiles(credential: Credential): { privateKey: string; certificate: string } {
  const { private_key, certificate } = credential.parts ?? {}
  if (!(private_key instanceof Secret) || typeof certificate !== 'string') throw new Error('not the parts')
  return { privateKey: private_key.reveal(), certificate }
}

/** A certificate as `ssh-keygen -L` reads it: each of its titles with what follows, lines within joined by ` | `. */
export async function certificateFacts(path: string): Promise<Readonly<Record<string, string>>> {
  const facts: Record<string, string> = {}
  let title = ''
  for (const line of (await sshKeygen('-L', '-f', path)).split('\n').slice(1)) {
    const found = /^ {8}([A-Za-z ]+): ?(.*)$/.exec(line)
    if (found !== null) {
      title = found[1] ?? ''
      facts[title] = (found[2] ?? '').trim()
    } else if (line.trim() !== '') {
      facts[title] = [facts[title], line.trim()].filter((part) => part !== '').join(' | ')
    }
  }
  return facts
}
