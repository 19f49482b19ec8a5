package eliza

// feelings is about moods, their reasons, and dreams.
var feelings = []rule{
	{
		says: []string{
			"am/feel/feeling/felt/was/get/been ?@much @sad because/that +", "makes me ?@much @sad when/that +",
		},
		tell: true,
		keep: "you feel {1} because {2}",
		replies: []string{
			"Does it lie at the root that {2}, or is there something under it?",
			"If that were put right, would you still feel {1}?",
			"How do you carry it through a day, feeling {1}?",
		},
	},
	{
		says: []string{"am/feel/feeling/felt/was/get/been ?@much @low about/over/without/with +"},
		tell: true,
		keep: "you feel {1} when you think of {2}",
		replies: []string{
			"What is it about {2} that makes you feel {1}?",
			"Does anybody else know that you feel {1} there?",
			"And before that, what did {2} mean to you?",
			"If you could change one thing there, which one?",
		},
	},
	{
		says: []string{"am/feel/feeling/felt/was/get/been ?@much @sad"},
		keep: "you feel {1}",
		replies: []string{
			"I am sorry that you feel {1}. Since when has it been so?",
			"What does a day look like when you feel {1}?",
			"When did you last not feel {1}? What was different?",
			"Who notices when you feel {1}?",
			"Is there a place where feeling {1} sits in the body?",
		},
	},
	{
		says: []string{"afraid/scared/frightened/terrified/fear of +", "worried/nervous/anxious about +", "i fear +"},
		keep: "you are afraid of {1}",
		replies: []string{
			"What is the worst you can imagine about {1}?",
			"And if it happened, what would you do the day after?",
			"Were you always afraid of that?",
			"Who could stand beside you there?",
		},
	},
	{
		says: []string{"am/feel/feeling/felt/was/get/been ?@much @afraid"},
		keep: "you feel {1}",
		replies: []string{
			"What does the fear say, if you let it speak?",
			"When you are {1}, what helps, even a little?",
			"Is it one thing that makes you {1}, or everything at once?",
			"What would you do if you were not {1}?",
		},
	},
	{
		says: []string{"am/feel/feeling/felt/was/get/been ?@much @angry ?with/at/about", "makes me ?@much @angry"},
		keep: "you feel {1}",
		replies: []string{
			"Where does it go when you are {1}?",
			"At whom are you {1} most, if you are honest? Perhaps a little at yourself?",
			"What would you have needed, not to become {1}?",
			"Being {1} often guards something. What is it here?",
		},
	},
	{
		says: []string{"am/feel/feeling ?@much @glad ?because/that/about +", "am/feel/feeling ?@much @glad"},
		replies: []string{
			"That is good to hear. What is your part in it?",
			"With whom do you share it when you are {1}?",
			"What would make it last?",
			"How does being {1} show, for those who know you?",
		},
	},
	{
		says: []string{"am/feel/feeling/felt/was/get/been ?@much @tired of +"},
		keep: "you are {1} of {2}",
		replies: []string{
			"What would you put in its place?",
			"How long have you been {1} of {2}?",
			"What keeps you at it all the same?",
		},
	},
	{
		says: []string{"am/feel/feeling/felt/was/get/been ?@much @tired"},
		keep: "you are {1}",
		replies: []string{
			"Is it the body that is {1}, or something else?",
			"What would you do with a whole day for yourself?",
			"What takes the most out of you at present?",
			"When did you last wake up rested?",
		},
	},
	{
		says: []string{
			"i ?have ?often/always/once/just/also dreamed/dreamt about/of +", "i ?often/always/sometimes dream about/of +",
			"i had a ?strange/bad/weird/beautiful/terrible dream/nightmare about/of +",
		},
		keep: "you dreamed of {1}",
		replies: []string{
			"{1}: who else was there in that dream?",
			"How did you feel when you woke up?",
			"What in your days does that dream remind you of?",
			"If you could have dreamed on, what would have come next?",
			"Have you dreamed of that before?",
		},
	},
	{
		says: []string{"i dreamed/dreamt ?last ?night that +", "in my dream ?last ?night +", "dream/nightmare that/where/in ?which +"},
		keep: "in your dream {1}",
		replies: []string{
			"In your dream {1}. How was that for you?",
			"And then you woke up, or did it go on?",
			"Is there something of that in your waking life?",
			"Whom did you tell that dream first?",
		},
	},
	{
		says: []string{"dream", "dreams", "dreamed", "dreamt", "nightmare", "nightmares"},
		replies: []string{
			"What do your dreams tell you that your days do not?",
			"Which dream has stayed with you longest?",
			"Do you believe that dreams mean something?",
			"Tell me one of them, as if it were happening now.",
		},
	},
	{
		says: []string{"guilty", "ashamed", "embarrassed", "regret", "my fault"},
		keep: "there is something you blame yourself for",
		replies: []string{
			"Before whom do you have to answer for it?",
			"What would you say to a friend who had done the same?",
			"Can it be made good? And if not, can it be left behind?",
		},
	},
	{
		says: []string{"i feel like +", "i feel as if +", "i feel that +"},
		keep: "you feel as if {1}",
		replies: []string{
			"When is that feeling strongest?",
			"What would have to happen for it to go away?",
			"Is it a feeling, or something you know?",
			"Do others see it that way too?",
		},
	},
	{
		says: []string{"i am/feel ?@much fine/good/well/ok/okay/alright/better $"},
		replies: []string{
			"That is soon said. What is behind it?",
			"I am glad. And on the other days?",
			"What has done you good?",
			"When you say so to others, do they believe you?",
		},
	},
	{
		says: []string{"i ?often/always/sometimes/never/just feel/felt +", "i am feeling +"},
		keep: "you feel {1}",
		replies: []string{
			"What happens when you feel {1}?",
			"Tell me about the last time you felt {1}.",
			"Do you allow yourself to feel {1}?",
			"What does feeling {1} want from you?",
		},
	},
	{
		says: []string{"cry", "crying", "cried", "tears"},
		replies: []string{
			"What do the tears know that you have not said yet?",
			"Were you alone then?",
			"How was it afterwards?",
		},
	},
}
