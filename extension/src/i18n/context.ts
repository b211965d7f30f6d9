import { createContext, useContext } from 'react';
import { createTexts, type Texts } from './texts';

export const TextsContext = createContext<Texts>(createTexts('en'));

export function useTexts(): Texts {
  return useContext(TextsContext);
}
