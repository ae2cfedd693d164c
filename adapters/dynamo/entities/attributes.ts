/** How every entity writes its attributes and keys. Key names are the tables' own: `pk`, `sk`, `gsi1`, `gsi2`. */
export const text = { type: 'string', required: true } as const;
export const maybe = { type: 'string' } as const;
export const count = { type: 'number', required: true } as const;
/** DynamoDB's time to live: seconds since the epoch. */
export const ttl = { type: 'number', field: 'expiresAtSeconds' } as const;

export const key = <const C extends readonly string[]>(field: string, ...composite: C) => ({
  field,
  composite,
  casing: 'none' as const,
});
export const model = (entity: string) => ({ entity, service: 'ci', version: '1' });
