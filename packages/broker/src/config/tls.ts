/** Certificates and keys are read once before anybody listens: what is no PEM must stop the start, not each request. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { Secret } from '../base/secret.ts'
import type { Config } from './config.ts'
import type { Path } from './document.ts'
import { named } from './issues.ts'
import type { ReferenceFault } from './references.ts'

interface Material {
  readonly ca?: Secret | undefined
  readonly certificate?: Secret | undefined
  readonly key?: Secret | undefined
}

/** What is wrong with the TLS of routes; a reference that could not be read has its own fault already. */
export function checkTls(routes: Config['routes']): readonly ReferenceFault[] {
  return routes.flatMap((route, index) =>
    (['tls', 'upstream_tls'] as const).flatMap((name) => {
      const material = (route as { readonly [name in string]?: unknown })[name] as Material | undefined
      return material === undefined ? [] : faultsOf(material, ['routes', index, name])
    }),
  )
}

function faultsOf({ ca, certificate, key }: Material, path: Path): readonly ReferenceFault[] {
  const fault = (member: string, what: string) => {
    const at: Path = [...path, member]
    return { path: at, message: `${named(at)} ${what}` }
  }
  const none: ReferenceFault[] = []
  if (ca !== undefined && certificates(ca) === undefined)
    none.push(fault('ca', 'is not made of certificates in PEM'))
  const chain = certificate && certificates(certificate)
  if (certificate !== undefined && chain === undefined)
    none.push(fault('certificate', 'is not made of certificates in PEM'))
  const own = key && privateKey(key)
  if (key !== undefined && own === undefined)
    none.push(fault('key', 'is no private key in PEM without a passphrase'))
  const [first] = chain ?? []
  if (first !== undefined && own !== undefined && !first.checkPrivateKey(own))
    none.push(fault('key', 'is not the key of the first certificate'))
  return none
}

/** In their order; nothing where one of them cannot be read, or none is there. */
function certificates(text: Secret): readonly X509Certificate[] | undefined {
  const blocks = text.reveal().match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g)
  try {
    return blocks?.map((block) => new X509Certificate(block))
  } catch {
    return undefined
  }
}

function privateKey(text: Secret) {
  try {
    return createPrivateKey(text.reveal())
  } catch {
    return undefined
  }
}
