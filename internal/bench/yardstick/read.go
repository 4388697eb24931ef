package main

import (
	"encoding/csv"
	"errors"
	"io"
	"os"

	"github.com/gocarina/gocsv"
)

// readers read a whole fleet and do nothing with it.
var readers = map[string]func(*os.File) error{
	"read-csv":          readCSV,
	"read-unmarshaller": readUnmarshaller,
	"read-callback":     readCallback,
}

func readCSV(file *os.File) error {
	reader := csv.NewReader(file)
	reader.ReuseRecord = true
	return untilEnd(func() error { _, err := reader.Read(); return err })
}

func readUnmarshaller(file *os.File) error {
	reader := csv.NewReader(file)
	reader.ReuseRecord = true
	unmarshaller, err := gocsv.NewUnmarshaller(reader, row{})
	if err != nil {
		return err
	}
	return untilEnd(func() error { _, err := unmarshaller.Read(); return err })
}

func readCallback(file *os.File) error { return gocsv.UnmarshalToCallback(file, func(row) {}) }

func untilEnd(read func() error) error {
	for {
		if err := read(); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}
