// Whole numbers, none below 0, as one text in which each has as many digits as the largest needs. Such a text is in a
// component as it is, and any number of it is at hand; an array of numbers takes eight times the memory there, and more
// still while it is made, which stays in the component for good.

const BASE = 64;
// The digits follow each other in Unicode, so that reading one is a subtraction.
const ZERO = '0'.charCodeAt(0);

/** The numbers as a text, and how many digits each has there. */
export function packed(numbers) {
  const largest = numbers.reduce((most, number) => Math.max(most, number), 0);
  const width = digitsOf(largest).length;
  return { width, digits: numbers.map((number) => digitsOf(number).padStart(width, '0')).join('') };
}

/** One of the numbers. */
export function numberAt({ width, digits }, index) {
  let number = 0;
  for (let at = index * width; at < (index + 1) * width; at += 1) {
    number = number * BASE + digits.charCodeAt(at) - ZERO;
  }
  return number;
}

function digitsOf(number) {
  const digit = String.fromCharCode(ZERO + (number % BASE));
  return number < BASE ? digit : digitsOf(Math.floor(number / BASE)) + digit;
}
