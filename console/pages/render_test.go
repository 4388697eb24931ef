package pages

import "testing"

func TestSmoke(t *testing.T) { _ = templates }
