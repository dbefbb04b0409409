import { z } from 'zod'
import { duration } from '../base/duration.ts'

const target = z.string().min(1).describe('Name of a target')

/** The `dialects` part of the configuration: protocols of other brokers. What is not here is not spoken. */
export const dialectSettings = z.strictObject({
  octo_sts: z
    .strictObject({
      targets: z
        .record(
          z
            .string()
            .regex(/^[a-z0-9-]{1,39}(\/[a-z0-9_.-]{1,100})?$/, 'must be OWNER or OWNER/REPO in lower case'),
          z.record(z.string().regex(/^[\w.-]{1,128}$/, 'must be the name of an identity'), target),
        )
        .default({})
        .describe(
          'By scope and identity, the target that is meant; the target of the same name where it is not here',
        ),
    })
    .optional()
    .describe('`GET /sts/exchange`, for targets `github_app`'),
  aws_sts: z
    .strictObject({
      roles: z
        .record(
          z.string().regex(/^arn:aws[a-z-]*:iam::[0-9]{12}:role\/\S+$/, 'must be the ARN of a role'),
          target,
        )
        .default({})
        .describe('By ARN, the target that is meant, where several have the same role'),
    })
    .optional()
    .describe('The query protocol of AWS STS at `POST /`, for targets `aws_role`'),
  google: z
    .strictObject({
      audiences: z
        .record(
          z
            .string()
            .regex(
              /^\/\/iam\.googleapis\.com\/[\x21-\x7e]{1,300}$/,
              'must be the name of a provider, //iam.googleapis.com/...',
            ),
          target,
        )
        .describe('By the audience of the configuration of an external account, the target that is meant'),
    })
    .optional()
    .describe('`POST /v1/token` as Google speaks it, for targets `gcp_service_account`'),
  vault: z
    .strictObject({
      session: duration
        .refine((seconds) => seconds >= 60 && seconds <= 3600, 'must be between 1m and 1h')
        .prefault('15m')
        .describe('How long a client that has logged in may ask; what it was given has a time of its own'),
      paths: z
        .record(
          z
            .string()
            .regex(
              /^[\w.-]{1,64}(\/[\w.-]{1,64}){0,7}$/,
              'must be a path below /v1, such as secret/data/shop/db',
            ),
          z.union([
            target,
            z.strictObject({
              target,
              key: z
                .string()
                .regex(/^[\w.-]{1,64}$/, 'must be a name')
                .describe('The key under which its value is found'),
            }),
          ]),
        )
        .default({})
        .describe('By path, the target that is meant, where its last part is not the name of the target'),
    })
    .optional()
    .describe('Login, reading and leases of Vault below `/v1`'),
})
