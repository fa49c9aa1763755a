declare const brand: unique symbol;

/** `Base` values that one parser has checked. */
export type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };
