package main

import "testing"

func TestWholeNumber(t *testing.T) {
	for text, want := range map[string]int{"0": 0, "10": 10, "010": 10, "-1": -1} {
		var n wholeNumber
		if err := n.Set(text); err != nil || int(n) != want {
			t.Errorf("%s: %d, %v", text, n, err)
		}
	}
	for _, text := range []string{"", "0x2", "0b1", "1_0", "ten", "99999999999999999999"} {
		if n := new(wholeNumber); n.Set(text) == nil {
			t.Errorf("%q is taken for %d", text, *n)
		}
	}
}
