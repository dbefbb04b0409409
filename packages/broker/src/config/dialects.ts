import { z } from 'zod'

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
})
