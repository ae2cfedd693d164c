/**
 * The shape of a synthesized CloudFormation template, as far as this machine reads it.
 * It checks the outline only: what a resource's properties mean is its provider's affair.
 */
import { z } from 'zod';

const templateResource = z.object({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  Condition: z.string().optional(),
  DependsOn: z.union([z.string(), z.array(z.string())]).optional(),
});

const templateOutput = z.object({
  Value: z.unknown(),
  Condition: z.string().optional(),
  Export: z.object({ Name: z.unknown() }).optional(),
});

const templateParameter = z.object({ Type: z.string(), Default: z.unknown().optional() });

export const templateSchema = z.object({
  Resources: z.record(z.string(), templateResource),
  Parameters: z.record(z.string(), templateParameter).default({}),
  Mappings: z
    .record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown())))
    .default({}),
  Conditions: z.record(z.string(), z.unknown()).default({}),
  Outputs: z.record(z.string(), templateOutput).default({}),
});

export type Template = z.output<typeof templateSchema>;
export type TemplateResource = z.output<typeof templateResource>;
