"use client";

import type { Bauta } from "@bauta/sdk";
import { createContext, createElement, useContext, type FunctionComponent, type ReactNode } from "react";

const Context = createContext<Bauta | undefined>(undefined);

/** Gives the client to the hooks of the components inside. */
export const BautaProvider: FunctionComponent<{ readonly bauta: Bauta; readonly children?: ReactNode }> = ({ bauta, children }) =>
  createElement(Context.Provider, { value: bauta }, children);

/**
 * Returns the client of the {@link BautaProvider} around the component.
 *
 * @throws `Error` if there is none.
 */
export function useBauta(): Bauta {
  const bauta = useContext(Context);
  if (!bauta) throw new Error("there is no BautaProvider around this component: wrap the page in one");
  return bauta;
}
