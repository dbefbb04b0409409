import { z } from 'zod'
import { isLoopback } from '../base/address.ts'

/** The URL of a provider in a connection: https, nothing behind its path; ends without a slash. */
export const endpoint = z
  .string()
  .refine((text) => {
    const url = URL.parse(text)
    if (url === null || url.search !== '' || url.hash !== '' || url.username !== '') return false
    return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
  }, 'must be an https URL without a query; plain http is for loopback only')
  .transform((text) => text.replace(/\/+$/, ''))
