import { openKey } from '../../packages/broker/src/issue/key-material.ts'
import { openSeal } from '../../packages/broker/src/issue/seal.ts'
import { openStore } from '../../packages/broker/src/kinds.ts'
import { fakeTools } from './clock.ts'
import { loadSite } from './running-broker.ts'

/** Every private key of a broker's store, as text: PKCS #8 in base64, and the secret number alone. */
export async function signingKeysOf(path: string): Promise<readonly string[]> {
  const { config } = await loadSite(path)
  const seal = openSeal(config.keys.encryption, fakeTools())
  const store = await openStore(config.store, { now: Date.now })
  try {
    const records = [...(await store.keys('token')), ...(await store.keys('log'))]
    return records.flatMap((record) => {
      const { privateKey } = openKey(record, seal)
      const whole = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')
      return [whole, privateKey.export({ format: 'jwk' }).d ?? '']
    })
  } finally {
    await store.close()
  }
}
