package main

import (
	"errors"
	"strconv"
)

// A wholeNumber is the value of a flag for a decimal number that is at least 0. A flag of
// package pflag would read 010 as eight.
type wholeNumber int

// String implements pflag.Value.
func (n *wholeNumber) String() string { return strconv.Itoa(int(*n)) }

// Type implements pflag.Value.
func (n *wholeNumber) Type() string { return "number" }

// Set implements pflag.Value.
func (n *wholeNumber) Set(text string) error {
	number, err := strconv.Atoi(text)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return err // flag_errors.go explains it
	case err != nil:
		return errors.New("it should be a whole number, such as 100")
	}
	*n = wholeNumber(number)
	return nil
}
